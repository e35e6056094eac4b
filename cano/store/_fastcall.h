/* The usual call of a hot method, without the general parsing of arguments that Cython writes for it.

   The function takes the place of the method's own in its PyMethodDef; whatever is no usual call (keywords, another number of
   arguments, a key that is no plain str) it hands to the method itself. So there is one method, one signature, one docstring. */

#ifndef CANO_FASTCALL_H
#define CANO_FASTCALL_H

#include <Python.h>

typedef PyObject *(*cano_call)(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);

/* Put ``fast`` in the place of the method ``name`` of a type, and return the method's own function; NULL with an error set if the
   type has no such method that takes its arguments this way. */
static inline cano_call cano_replace(PyTypeObject *type, PyObject *name, cano_call fast)
{
    PyObject *method = PyDict_GetItemWithError(type->tp_dict, name);
    PyMethodDef *definition;
    union { PyCFunction general; cano_call own; } function;
    if (method == NULL || !Py_IS_TYPE(method, &PyMethodDescr_Type)
        || ((PyMethodDescrObject *)method)->d_method->ml_flags != (METH_FASTCALL | METH_KEYWORDS)) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_SystemError, "%U is no method that takes its arguments in an array", name);
        return NULL;
    }
    definition = ((PyMethodDescrObject *)method)->d_method;
    function.general = definition->ml_meth;
    {
        cano_call own = function.own;
        function.own = fast;
        definition->ml_meth = function.general;
        return own;
    }
}

#endif
